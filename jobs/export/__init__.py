"""Exports: files that readers open, with their schema, checksums and provenance."""
