/* Starts and ends: what every program pays before its first line of work. */
int main(void) { return 0; }
