"""The Kubernetes API server: credentials, a small client, and the ports Resources, Secrets and Recorder over it."""
