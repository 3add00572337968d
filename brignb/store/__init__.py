"""What is known: projects, events, builds and jobs, durably."""
