// When an element comes near the window.
// Calls once.
export function whenNear(element_, margin, call) {
  const seen = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      call();
    },
    { rootMargin: margin },
  );
  seen.observe(element_);
}
