"""Publishers 发布者: what they may send, how it is read, and what it means here.

``parse_warning`` turns a body (CAP, 12379, JSON) into a Warning; ``assess`` says whether we would broadcast it now and
here; ``check_rights`` holds it against a key's rights. Reference tables are loaded by ``gateway.publishers.reference``.
"""
