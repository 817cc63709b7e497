"""What has had its time goes: snapshots, branches, tags, small files, orphans, unfinished exports, raw text."""
