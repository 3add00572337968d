from sessions import heard, session

__all__ = ["heard", "session"]
