"""What findings need to know that no record tells: the source, stacks, CPU clocks, the end."""
