"""What every loss stands on; knows no particular loss."""
