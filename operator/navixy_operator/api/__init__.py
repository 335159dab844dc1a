"""The resources' models: one source for the CRDs' schemas and for the operator's own checks.

They speak the API's JSON: fields in camelCase, times in RFC 3339, unknown fields dropped as the API server drops them.
"""
