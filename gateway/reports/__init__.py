"""Reports 报告: what became of a message, or of a month, as html, csv, xlsx and pdf with the same numbers."""
