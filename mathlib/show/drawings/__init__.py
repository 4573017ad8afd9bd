"""What the chapters' figures draw, a module a chapter: functions that return a matplotlib figure, or draw on axes."""
