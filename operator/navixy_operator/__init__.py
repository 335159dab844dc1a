"""A Kubernetes operator that keeps Navixy data forwarding connections in step with the customer database."""
