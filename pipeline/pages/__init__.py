"""Pages for people: self-contained HTML that opens from disk, offline, on any screen and on paper."""
