"""Authenticity 数字签名: SM2/SM3 by two providers, keys, certificates, signing and the replay rule.

Callers use ``sm2.default_provider()``, ``keys`` for key files, ``signer.Signer`` for what we send, and for what comes
in ``certificates.CertificateStore`` (whose key?) with ``replay.ReplayGuard`` (seen before?). Nothing here logs:
secrets have no way into a log, and alarms leave through callables.
"""
