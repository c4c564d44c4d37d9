"""What the figures share: the host, packed networks and images, and their JavaScript parts."""
