"use strict";
// 值班台 The console: the map that fills up, the chart, and alarms that are heard until somebody acknowledges them.
(() => {
  const SIGNS = { p: "proven", c: "claimed", s: "sent", "-": "none" };
  const colour = (name) => getComputedStyle(document.querySelector(`.legend .sign-${name}`)).color;

  // -- the map: each sign has a shape of its own, for those who see no colours
  function draw(canvas, points, signs) {
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    for (const wanted of "-scp") {
      pen.strokeStyle = pen.fillStyle = colour(SIGNS[wanted]);
      pen.lineWidth = 1.6;
      for (let i = 0; i < points.length; i++) {
        if (!points[i] || (signs[i] || "-") !== wanted) continue;
        const [x, y] = points[i];
        pen.beginPath();
        if (wanted === "-") {
          pen.moveTo(x - 3, y - 3); pen.lineTo(x + 3, y + 3); pen.moveTo(x + 3, y - 3); pen.lineTo(x - 3, y + 3); pen.stroke();
        } else {
          pen.arc(x, y, 3, 0, 2 * Math.PI);
          if (wanted === "p") pen.fill();
          else { pen.stroke(); if (wanted === "c") { pen.beginPath(); pen.arc(x, y, 3, Math.PI / 2, 1.5 * Math.PI); pen.fill(); } }
        }
      }
    }
  }

  async function fill(box) {
    const base = box.dataset.map, canvas = box.querySelector("canvas");
    const points = await (await fetch(`${base}/points?poll=1`)).json();
    const placed = points.filter(Boolean).length;
    document.getElementById("map-note").textContent =
      `${placed} / ${points.length} 个终端有位置 terminals have a position`;
    for (;;) {
      const answer = await fetch(`${base}/standings?poll=1`);
      if (!answer.ok) return;
      draw(canvas, points, await answer.text());
      if (box.dataset.polls !== "1") return;
      await new Promise((done) => setTimeout(done, 2000));
    }
  }

  // -- people over time
  async function chart(box) {
    let plot = null;
    for (;;) {
      const answer = await fetch(`${box.dataset.timeline}?poll=1`);
      if (!answer.ok) return;
      const { columns } = await answer.json();
      if (plot) plot.setData(columns);
      else {
        const ink = getComputedStyle(document.body).color;
        const axis = { stroke: ink, grid: { stroke: "#8886", width: 1 } };
        const series = [["已证实 proven", "proven", []], ["转报 claimed", "claimed", [6, 3]], ["已发 sent", "sent", [2, 3]], ["已应答 answered", "none", [10, 4]]];
        plot = new uPlot({
          width: box.clientWidth, height: 240, scales: { x: { time: false } },
          series: [{ label: "秒 s" }, ...series.map(([label, key, dash]) => ({ label, stroke: key === "none" ? ink : colour(key), width: 2, dash }))],
          axes: [axis, { ...axis, size: 70, values: (_, ticks) => ticks.map((n) => n >= 10000 ? `${n / 10000} 万` : n) }],
        }, columns, box);
        addEventListener("resize", () => plot.setSize({ width: box.clientWidth, height: 240 }));
      }
      if (box.dataset.polls !== "1") return;
      await new Promise((done) => setTimeout(done, 2000));
    }
  }

  // -- alarms are heard: three tones every eight seconds while a critical one is open and nobody acknowledged it
  let sound = null;
  const wake = () => { sound = sound || new AudioContext(); sound.resume(); };
  addEventListener("pointerdown", wake, { once: true });
  addEventListener("keydown", wake, { once: true });
  function ring() {
    const bell = document.querySelector("#bell [data-loud]");
    if (!sound || !bell || bell.dataset.loud === "0") return;
    [0, 0.25, 0.5].forEach((after, i) => {
      const tone = sound.createOscillator(), level = sound.createGain();
      tone.frequency.value = [880, 660, 880][i];
      level.gain.value = 0.15;
      tone.connect(level).connect(sound.destination);
      tone.start(sound.currentTime + after);
      tone.stop(sound.currentTime + after + 0.18);
    });
  }

  document.querySelectorAll("[data-map]").forEach(fill);
  document.querySelectorAll("[data-timeline]").forEach(chart);
  if (document.getElementById("bell")) setInterval(ring, 8000);
  // A page that renews itself must not take a half-written reason, or the place of the keyboard, away.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const box = event.detail.target, at = document.activeElement;
    if (box.id === "live" && box.contains(at) && at !== document.body && (at.matches("input,select,textarea,button,a,summary,audio") || [...box.querySelectorAll("input:not([type=hidden]),textarea")].some((i) => i.value))) event.detail.shouldSwap = false;
  });
  // Kind of a message that is being composed: the whole page shows it at once.
  document.querySelectorAll('input[name="kind"]').forEach((pick) => pick.addEventListener("change", () => {
    document.body.className = pick.value === "actual" ? "page-actual-compose" : "page-drill";
  }));
})();
