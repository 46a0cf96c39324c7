from hypothesis import given

from gateway.protocols.signature import BLOCK, BLOCK_SIZE, EMPTY_BLOCK, SignatureBlock
from tests.protocols.golden import frame
from tests.protocols.strategies import blocks


def test_the_sample_of_081_holds_a_counter_and_a_reserved_certificate_number() -> None:
    # 000009DD | 000000000042 | r s
    raw = frame("R8")
    block = BLOCK.parse(raw)
    assert (block.sig_time, block.certificate) == (0x9DD, "000000000042")
    assert block.value == raw[10:]
    assert BLOCK.build(block) == raw


@given(blocks)
def test_layout_is_time_certificate_and_value_one_after_the_other(block: SignatureBlock) -> None:
    raw = block.sig_time.to_bytes(4, "big") + bytes.fromhex(block.certificate) + block.value
    assert BLOCK.build(block) == raw
    assert BLOCK.parse(raw) == block


def test_the_empty_block_is_zero() -> None:
    assert BLOCK.build(EMPTY_BLOCK) == bytes(BLOCK_SIZE) == bytes(74)
