"""Dispatch 调度控制: from an accepted warning to orders on links, and from answers to what is known of each delivery.

``service.Dispatch`` is what the layers above use; the other modules are its rooms.
"""
