"""What each container registry's webhook says. Each module knows one sender's bodies and is a pure function of them."""
