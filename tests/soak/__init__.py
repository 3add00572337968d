"""`make soak`: a whole system as processes of this machine, whose parts are killed at random while it builds."""
