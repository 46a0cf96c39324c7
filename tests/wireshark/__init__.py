"""The Wireshark dissector of docs/wireshark, held against the project's own reading of the same bytes."""
