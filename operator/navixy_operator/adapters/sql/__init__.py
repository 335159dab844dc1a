"""What the adapters of SQL databases share; an adapter itself it is not.

``url`` reads a URL and knows what of it is secret, ``symptoms`` tells what a driver's error means, ``breaking`` ends a
call that another thread waits for.
"""
