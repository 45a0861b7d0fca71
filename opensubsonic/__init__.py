"""OpenSubsonic, the protocol that music players speak: a face of the library, above apps that know nothing of it."""
