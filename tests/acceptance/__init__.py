"""Acceptance 验收: the measurements of GD/J 089-2018 appendix F by number, on real parts over loopback."""
