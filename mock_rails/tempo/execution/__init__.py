"""Executes one transaction by Tempo's rules: validity, intrinsic gas, fees, calls, settlement."""
