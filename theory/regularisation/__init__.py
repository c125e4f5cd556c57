"""What pulls an update beside its rewards: KL penalties, entropy bonuses, prices of length."""
