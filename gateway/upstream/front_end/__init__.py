"""The gateway as a county's loudspeaker adapter 大喇叭适配器 (GD/J 089-2018 appendix A, the adapter's side).

``FrontEnd`` is all that the daemon needs: it serves the superior's commands, and reports to it.
"""

from gateway.upstream.front_end.front_end import FrontEnd, FrontOptions

__all__ = ["FrontEnd", "FrontOptions"]
