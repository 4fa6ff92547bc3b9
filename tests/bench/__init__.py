"""The bench harness: what it counts as kept, as over budget and as broken."""
