"""API 接口: the HTTP contract of the gateway (v1), its keys, problems, pages, figures for monitors.

``server.HttpServer`` opens the port; ``app`` joins the tables of calls (``routes.Route``), which also make the OpenAPI
document; ``keys`` turns the rights of a key into what the store keeps and back.
"""
