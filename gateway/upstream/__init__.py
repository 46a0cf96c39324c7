"""Other platforms 其他平台, as they see this gateway: ``front_end`` stands where a county's adapter stands, and
``shared_library`` keeps what others share.
"""
