"""From error tables to scores: CE, mCE, relative mCE, R_net, intervals."""
