"""Records and logs of builds: files now, a database later. Nothing else opens those files."""
