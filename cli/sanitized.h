/* SPDX-License-Identifier: Apache-2.0 */
/* Is this a build with sanitizers? They have handlers of signals of their own, and reserve terabytes. */
#ifndef CS_SANITIZED_H
#define CS_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define CS_SANITIZED 1
#endif
#endif
#ifndef CS_SANITIZED
#define CS_SANITIZED 0
#endif

#endif
