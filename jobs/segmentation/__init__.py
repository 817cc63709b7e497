"""Segments: RFM cells by rule, behaviour and taste clusters by K-means."""
