"""A local world of real parts: control plane, F1.1 simulator, databases, sample data. For the demo and the tests."""
