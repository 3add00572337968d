from appsite import make_push, refused, services, site, site_with

__all__ = ["make_push", "refused", "services", "site", "site_with"]
