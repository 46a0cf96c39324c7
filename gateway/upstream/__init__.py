"""Superiors 上级: what this gateway is to platforms above it. ``front_end`` stands where a county's adapter stands."""
