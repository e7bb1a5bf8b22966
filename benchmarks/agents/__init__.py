"""What an agent needs: requests, memory and time, at rest, at its start and under load."""
