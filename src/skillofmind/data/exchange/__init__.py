"""Formats that other programs read and write: chat messages, ShareGPT, ConvoKit, tables."""
