"""The payment gate and what it stands on: challenge, verify, meter, settle, deliver.

`stores` is what the gate remembers: the state of each channel, and which credentials were used.
"""
