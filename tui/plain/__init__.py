"""The monitor without a screen: sentences as things happen, and answers to commands by line."""
