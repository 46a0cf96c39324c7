"""The words of the field 领域词汇: frozen values and pure rules. No I/O, no clock, nothing of bytes."""
