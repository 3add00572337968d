"""The author's side: `events`, `Job`, `Group`, `project`."""
