"""The console 值班台 of the duty room: pages made by the server, for people with a name, a position and areas."""
