"""What a start sweeps, and what it leaves."""

import os
from pathlib import Path

from stack.s3proxy import MD5_ATTRIBUTE, stale_uploads

UUID = "0b6ae4e5-6a6c-4c57-a2de-0a6a4d8d2c11"


def test_only_a_cut_off_upload_is_swept(tmp_path: Path) -> None:
    bucket = tmp_path / "tradewind" / "exports"
    bucket.mkdir(parents=True)
    cut_off, finished, parquet = bucket / f"part.parquet-{UUID}", bucket / f"run-{UUID}", bucket / f"{UUID}.parquet"
    for path in (cut_off, finished, parquet):
        path.write_bytes(b"x")
    os.setxattr(finished, MD5_ATTRIBUTE, b"9dd4e461268c8034f5c8564e155c67a6")
    assert list(stale_uploads(tmp_path)) == [cut_off]
