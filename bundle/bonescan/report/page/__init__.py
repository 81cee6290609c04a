"""The report of a scan: one document, laid out as a page for browsers and as a PDF."""
