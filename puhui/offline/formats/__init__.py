"""Codecs of offline: canonical bytes, and text that fits one code to scan."""
