"""The store 存储: what must outlive the process. One writer thread with group commit, query-only readers, one schema.

Open a ``Store``; hand it rows of ``rows``; read with the functions of ``queries``.
"""

from gateway.store.packing import pack_ids, unpack_ids
from gateway.store.settings import StoreSettings
from gateway.store.store import Store

__all__ = ["Store", "StoreSettings", "pack_ids", "unpack_ids"]
