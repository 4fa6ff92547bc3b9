"""What is trained of `lite`: data, the stages' losses, probes and the export of weights."""
