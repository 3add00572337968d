"""Records and logs of builds: in files, in a database, or in both. Nothing else opens them."""
