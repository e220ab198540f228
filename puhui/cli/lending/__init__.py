"""The commands of the lender (贷款): applications, the demo county, what borrowers pay."""
