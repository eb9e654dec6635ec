"""What acting on AWS decides, as values: order, statuses, verdicts, words. Pure.

Place in the flow: the modules beside this package ask AWS and hand its answers in; they do what
comes out. Nothing here asks, waits or writes.
"""
