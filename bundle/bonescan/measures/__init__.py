"""What is measured of a scan: findings, tumour burden, change between scans, quality."""
