"""Evaluation: errors of dense motion, of tracks and of videos against known truth."""
